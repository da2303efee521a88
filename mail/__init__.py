"""The mail room: renders every message from its template and hands it to an SMTP relay."""
