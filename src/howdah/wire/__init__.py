"""PostgreSQL's protocol, versions 3.0 and 3.2: framing, messages, what is legal when, logins. Bytes in, bytes out."""
