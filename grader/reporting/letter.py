"""A feedback report as a mail that a person can look at and send: no mark in its text, the page attached."""

from __future__ import annotations

import re
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from grader.reporting.text import clean

__all__ = ["letter", "mail_address"]

_ADDRESS = re.compile(r"[A-Za-z0-9._%+=/~^!#$&'*-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_TEXT = """\
Hello {name},

your feedback on {title} is attached. Save the file and open it in a browser; it needs nothing else.
{contact}"""


def mail_address(address: str, name: str = "") -> Address | None:
    """Whom a mail goes to; None where that is no plain address.

    Args:
        address: As a roster has it.
        name: To be called by; what could end a line of the mail's head is taken out.
    """
    if not _ADDRESS.fullmatch(address.strip()):
        return None
    called = " ".join(clean(name).replace('"', "").split())
    try:
        return Address(display_name=called, addr_spec=address.strip())
    except (HeaderParseError, ValueError):
        return None


def letter(
    to: Address, sender: Address | None, title: str, page: str, file: str, *, contact: str, at: datetime
) -> bytes:
    """One mail, as an ``.eml`` file that opens as a draft.

    Args:
        to: The student.
        sender: Who sends it; None leaves that to whoever opens the draft.
        title: Of the assignment.
        page: The report.
        file: What to call it.
        contact: Whom to ask; empty leaves it out.
        at: When it was made.
    """
    mail = EmailMessage(policy=SMTP)
    mail["To"] = to
    if sender is not None:
        mail["From"] = sender
    title = " ".join(clean(title).split())
    mail["Subject"] = f"Feedback: {title}"
    mail["Date"] = at
    # Read by mail programs: a draft of one's own, and no mail that came.
    mail["X-Unsent"] = "1"
    asked = f"\nIf something is not clear: {clean(contact)}\n" if contact else ""
    mail.set_content(_TEXT.format(name=to.display_name or to.username, title=title, contact=asked))
    mail.add_attachment(page.encode(), maintype="text", subtype="html", filename=file)
    return bytes(mail)
