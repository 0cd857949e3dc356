"""Pieces onto press sheets: who lies where is a value; nothing here holds a page."""
