"""People's files as checked records of a task: which columns are meant, what is wrong and where, what is held out."""
