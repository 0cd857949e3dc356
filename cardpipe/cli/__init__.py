"""Door: cardpipe NOUN VERB."""
