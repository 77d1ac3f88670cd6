"""Text that people read: words and numbers, Markdown, tables of terminals, SVG. Pure: values in, text out."""
