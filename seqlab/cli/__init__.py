"""The `seqlab` command: a file for each verb, imported when it is asked for."""
