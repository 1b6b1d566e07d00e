"""The command line: verbs, and the place where engine, link and faces are put together; each is imported late."""
