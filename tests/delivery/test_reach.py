"""URLs and network addresses as values: what may be called, what is refused, and that nothing secret is repeated."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cardpipe.delivery.reach import Target, address_of, allow_list, is_public, target_of
from cardpipe.model.errors import Refused

SECRET = "sesame"


def codes(url: str, allow: str = "", http: bool = False) -> list[str]:
    """The codes of what is wrong with it; none: it may be called."""
    try:
        target_of(url, "photo", allow=allow_list(allow), http=http)
    except Refused as problem:
        text = str(problem) + repr(problem.findings)
        assert SECRET not in text
        assert all(finding.where == "photo" and finding.remedy for finding in problem.findings)
        return [finding.code for finding in problem.findings]
    return []


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://cdn.example/a.jpg", Target("https", "cdn.example", 443, "/a.jpg")),
        ("HTTPS://CDN.Example:443/A.jpg?x=1&y=%20#part", Target("https", "cdn.example", 443, "/A.jpg?x=1&y=%20")),
        ("https://cdn.example", Target("https", "cdn.example", 443, "/")),
        ("https://cdn.example?x", Target("https", "cdn.example", 443, "/?x")),
        ("https://cdn.example/Müller{1}.jpg", Target("https", "cdn.example", 443, "/M%C3%BCller%7B1%7D.jpg")),
        ("https://xn--bcher-kva.example/", Target("https", "xn--bcher-kva.example", 443, "/")),
        ("https://my_bucket.s3.example/@x:y", Target("https", "my_bucket.s3.example", 443, "/@x:y")),
        ("https://9.9.9.9/", Target("https", "9.9.9.9", 443, "/")),
        ("https://[2620:FE::0:9]/", Target("https", "2620:fe::9", 443, "/")),
    ],
)
def test_what_may_be_called(url: str, target: Target) -> None:
    assert target_of(url, "photo") == target


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "url.scheme"),
        ("cdn.example/a.jpg", "url.scheme"),
        ("//cdn.example/a.jpg", "url.scheme"),
        ("file:///etc/passwd", "url.scheme"),
        ("file://cdn.example/etc/passwd", "url.scheme"),
        ("gopher://cdn.example/_x", "url.scheme"),
        ("ftp://cdn.example/a.jpg", "url.scheme"),
        ("data:image/png;base64,AAAA", "url.scheme"),
        ("javascript:alert(1)", "url.scheme"),
        ("http://cdn.example/a.jpg", "url.scheme"),
        ("https:///a.jpg", "url.host"),
        ("https:/cdn.example/a.jpg", "url.host"),
        ("https://:443/", "url.host"),
        ("https://2130706433/", "url.host"),
        ("https://0177.0.0.1/", "url.host"),
        ("https://0x7f.0.0.1/", "url.host"),
        ("https://0x7f000001/", "url.host"),
        ("https://127.1/", "url.host"),
        ("https://169.254.169.254./", "url.host"),
        ("https://1.2.3.4.5/", "url.host"),
        ("https://cdn.0x7f/", "url.host"),
        ("https://cdn.example./", "url.host"),
        ("https://localhost./", "url.host"),
        ("https://cdn..example/", "url.host"),
        ("https://-cdn.example/", "url.host"),
        (f"https://{'a' * 64}.example/", "url.host"),
        (f"https://{'a.' * 126}example/", "url.host"),
        ("https://１２７.０.０.１/", "url.host"),
        ("https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/", "url.host"),
        ("https://127。0。0。1/", "url.host"),
        ("https://bücher.example/", "url.host"),
        ("https://cdn%2eexample/", "url.host"),
        ("https://[fe80::1%25eth0]/", "url.host"),
        ("https://[fe80::1%eth0]/", "url.host"),
        ("https://[v1.cdn.example]/", "url.host"),
        ("https://intranet/", "url.host"),
        ("https://localhost/", "url.private"),
        ("https://a.LOCALHOST/", "url.private"),
        ("https://127.0.0.1/", "url.private"),
        ("https://127.255.255.254/", "url.private"),
        ("https://0.0.0.0/", "url.private"),
        ("https://10.0.0.1/", "url.private"),
        ("https://172.16.0.1/", "url.private"),
        ("https://192.168.0.1/", "url.private"),
        ("https://100.64.0.1/", "url.private"),
        ("https://169.254.169.254/latest/meta-data/", "url.private"),
        ("https://[::1]/", "url.private"),
        ("https://[::]/", "url.private"),
        ("https://[::ffff:169.254.169.254]/", "url.private"),
        ("https://[::ffff:9.9.9.9]/", "url.private"),
        ("https://[64:ff9b::a9fe:a9fe]/", "url.private"),
        ("https://[2002:a9fe:a9fe::]/", "url.private"),
        ("https://[fd00::1]/", "url.private"),
        (f"https://u:{SECRET}@cdn.example/", "url.userinfo"),
        (f"https://{SECRET}@cdn.example/", "url.userinfo"),
        ("https://@cdn.example/", "url.userinfo"),
        ("https://cdn.example:8443/", "url.port"),
        ("https://cdn.example:80/", "url.port"),
        ("https://cdn.example:22/", "url.port"),
        ("https://cdn.example:0/", "url.port"),
        (f"https://cdn.example:{SECRET}/", "url.form"),
        ("https://cdn.example:99999/", "url.form"),
        ("https://[::1/", "url.form"),
        ("https://cdn.example\\@127.0.0.1/", "url.form"),
        (f"https://cdn.example/{SECRET}\r\nHost: x", "url.form"),
        ("https://cdn.ex\tample/", "url.form"),
        (" https://cdn.example/", "url.form"),
        ("https://cdn.example/\x00", "url.form"),
        ("https://cdn.example/\u202egpj.exe", "url.form"),
        (f"https://cdn.example/{SECRET * 700}", "url.form"),
    ],
)
def test_what_is_refused_before_anybody_is_asked(url: str, code: str) -> None:
    assert codes(url) == [code]


def test_everything_wrong_is_said_at_once() -> None:
    assert codes(f"http://u:{SECRET}@10.0.0.1:22/{SECRET}") == ["url.userinfo", "url.scheme", "url.port", "url.private"]
    assert codes(f"https://{SECRET}@127.1/") == ["url.userinfo", "url.host"]


def test_http_is_for_callers_who_allow_it_and_on_its_port_only() -> None:
    assert codes("http://cdn.example/a.jpg", http=True) == []
    assert codes("http://cdn.example:80/a.jpg", http=True) == []
    assert codes("http://cdn.example:443/a.jpg", http=True) == ["url.port"]
    assert codes("http://10.0.0.1/", http=True) == ["url.private"]


def test_what_the_operator_allows_is_that_host_and_port_and_nothing_else() -> None:
    allow = "127.0.0.1:8000, [::1]:8000 ,CRM.local:443,crm:80,"
    assert allow_list(allow) == {"127.0.0.1:8000", "[::1]:8000", "crm.local:443", "crm:80"}
    assert allow_list("") == allow_list(" , ") == frozenset()
    for url in (
        "http://127.0.0.1:8000/",
        "https://127.0.0.1:8000/",
        "http://[0::1]:8000/",
        "https://crm.local",
        "http://crm/x",
    ):
        assert codes(url, allow) == [], url
        assert target_of(url, "url", allow=allow_list(allow)).allowed
    assert codes("http://127.0.0.1:8001/", allow) == ["url.scheme", "url.port", "url.private"]
    assert codes("https://127.0.0.1/", allow) == ["url.private"]
    assert codes("https://crm/", allow) == ["url.host"]
    assert codes(f"http://u:{SECRET}@127.0.0.1:8000/", allow) == ["url.userinfo"]
    assert codes("ftp://127.0.0.1:8000/", allow) == ["url.scheme"]
    assert not target_of("https://cdn.example/", "url", allow=allow_list(allow)).allowed


@pytest.mark.parametrize(
    "entry", ["crm", "crm:", ":80", "crm:0", "crm:65536", "crm:http", "http://crm:80", "*:80", "::1:80", "[crm]:80", "127.1:80", "crm:8²", "[::1:80"]
)  # fmt: skip
def test_an_allow_list_that_is_none_is_refused(entry: str) -> None:
    with pytest.raises(Refused) as caught:
        allow_list(f"127.0.0.1:8000,{entry},also wrong")
    assert [finding.message.split(" names")[0] for finding in caught.value.findings] == ["entry 2", "entry 3"]


NOT_PUBLIC = """0.0.0.0 0.1.2.3 10.1.2.3 100.64.0.1 100.127.255.255 127.0.0.1 169.254.169.254 172.31.0.1 192.0.0.1 192.0.0.9
    192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.250 240.0.0.1
    255.255.255.255 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:9.9.9.9 64:ff9b::a00:1 64:ff9b::909:909 64:ff9b:1::1 100::1
    2001::1 2001:0:909:909::1 2001:10::1 2001:1::1 2001:3::1 2001:20::1
    2001:db8::1 2002:a00:1:: 2002:909:909:: 3fff::1 4000::1 5f00::1 fc00::1 fd12::1
    fe80::1 fe80::1%eth0 2620:fe::9%eth0 fec0::1 ff02::1 ff0e::1 2620:fe::5efe:a00:1 2620:fe::200:5efe:a00:1"""


@pytest.mark.parametrize("text", NOT_PUBLIC.split())
def test_addresses_that_are_not_public(text: str) -> None:
    address = address_of(text)
    assert address is not None and not is_public(address)


@pytest.mark.parametrize(
    "text", ["9.9.9.9", "1.1.1.1", "172.32.0.1", "100.128.0.1", "192.88.98.1", "2620:fe::9", "2a00:1450::1", "2003::1"]
)
def test_addresses_that_are_public(text: str) -> None:
    assert is_public(ip_address(text))


@given(st.integers(0, 2**32 - 1))
def test_an_address_inside_another_one_is_never_public(number: int) -> None:
    for whole in (
        0xFFFF << 32 | number,
        0x64FF9B << 96 | number,
        0x2002 << 112 | number << 80,
        0x20010000 << 96 | number,
    ):
        assert not is_public(ip_address(whole.to_bytes(16, "big")))


@given(st.text(max_size=40), st.sampled_from(["https://{}", "https://{}/", "https://cdn.example{}", "{}"]))
def test_whatever_is_written_is_a_target_or_a_refusal(text: str, form: str) -> None:
    try:
        target = target_of(form.format(text), "photo")
    except Refused as problem:
        assert problem.findings
    else:
        assert target.path.isascii() and target.path.startswith("/") and not {" ", "\r", "\n", "#"} & set(target.path)
        assert target.host.isascii() and target.port == 443 and target.scheme == "https"


def test_paths_are_not_shown() -> None:
    assert SECRET not in repr(target_of(f"https://cdn.example/{SECRET}?{SECRET}", "photo"))
