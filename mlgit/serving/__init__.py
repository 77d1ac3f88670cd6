"""Released models behind HTTP: what a request is, what is answered, and the record of every answer."""
