"""`mlgit new`: a template and answers in, a repository out. Templates are data; nothing in them is ever run."""
