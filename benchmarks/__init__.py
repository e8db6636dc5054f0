"""One command each; the last line that each prints is one line of JSON with figures and ratios."""
