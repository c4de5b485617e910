"""Names of what is peculiar in SMTP conversations, and what each means. Names are stable: reports count by them."""

from typing import Final

ODDITIES: Final[dict[str, str]] = {
    "auth-attempts-dropped": "more AUTH attempts than are kept of one conversation",
    "auth-reply-unexpected": "the server answered AUTH with a reply that is neither 235, 334 nor an error",
    "auth-without-mechanism": "AUTH without the name of a mechanism",
    "bare-lf": "a command or reply ended with LF alone (RFC 5321 section 2.3.8 requires CRLF)",
    "bdat-malformed": "BDAT without a readable size (RFC 3030)",
    "bdat-size-implausible": "BDAT announced more than any server takes",
    "command-as-response": "the server took a pipelined command for the answer to its challenge",
    "command-unknown": "a line that is no SMTP command",
    "data-without-go-ahead": "the client sent message text although the server had refused DATA",
    "line-too-long": "a line longer than is kept; its content was passed over",
    "message-ended-by-reply": "the server accepted a message whose end was not seen as CRLF.CRLF",
    "name-of-secret-form": "a user name was left out, for it may be a secret (it is also the password, a token, …)",
    "not-tls-after-starttls": "after STARTTLS was accepted neither TLS nor SMTP followed",
    "proxy-header": "the connection began with a PROXY protocol header",
    "reply-code-changed": "the lines of one reply carry different codes",
    "reply-malformed": "the server sent a line that is no reply",
    "reply-out-of-step": "a reply that can only belong to a later command than the one awaiting it",
    "reply-too-long": "a reply of more lines than are kept",
    "sasl-base64": "a SASL message is not base64",
    "sasl-malformed": "a SASL message is not of its mechanism's form",
    "sasl-mechanism-invalid": "AUTH named neither a known mechanism nor one that the server had offered",
    "text-like-commands": "after missing bytes, lines that looked like commands proved to be message text",
    "too-many-pending": "more commands awaited replies than are followed",
    "turn": "client and server changed roles (TURN, ATRN); what follows is not interpreted",
    "unsolicited-reply": "a reply to no command that was seen",
}
