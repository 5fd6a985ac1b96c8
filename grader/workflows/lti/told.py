"""What whoever runs a course system needs to know of this tool: addresses, keys, and what it asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

__all__ = ["MARKS", "MEMBERS", "SCORES", "addresses", "for_canvas", "for_moodle"]

MARKS = "https://purl.imsglobal.org/spec/lti-ags/scope/lineitem"
SCORES = "https://purl.imsglobal.org/spec/lti-ags/scope/score"
MEMBERS = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
_TITLE, _DESCRIPTION = "Grader", "Hand in notebooks, judge them, read what was found."


def addresses(here: str) -> dict[str, str]:
    """Our own addresses, by what they are for.

    Args:
        here: Where browsers find the server.
    """
    return {
        "login": f"{here}/lti/login",
        "launch": f"{here}/lti/launch",
        "deep": f"{here}/lti/deep",
        "keys": f"{here}/lti/jwks",
    }


def for_canvas(here: str) -> dict[str, Any]:
    """What Canvas takes as the configuration of a developer key, pasted as JSON.

    Source: https://canvas.instructure.com/doc/api/file.lti_dev_key_config.html
    """
    ours = addresses(here)
    placements = [
        {
            "placement": "course_navigation",
            "message_type": "LtiResourceLinkRequest",
            "target_link_uri": ours["launch"],
            "text": _TITLE,
            "windowTarget": "_blank",
        },
        {
            "placement": "assignment_selection",
            "message_type": "LtiDeepLinkingRequest",
            "target_link_uri": ours["deep"],
            "text": _TITLE,
        },
        {
            "placement": "link_selection",
            "message_type": "LtiDeepLinkingRequest",
            "target_link_uri": ours["deep"],
            "text": _TITLE,
        },
    ]
    return {
        "title": _TITLE,
        "description": _DESCRIPTION,
        "oidc_initiation_url": ours["login"],
        "target_link_uri": ours["launch"],
        "redirect_uris": [ours["launch"], ours["deep"]],
        "public_jwk_url": ours["keys"],
        "scopes": [MARKS, SCORES, MEMBERS],
        "custom_fields": {
            "number": "$Canvas.user.sisSourceId",
            "login": "$Canvas.user.loginId",
            "canvas_id": "$Canvas.user.id",
        },
        "extensions": [
            {
                "platform": "canvas.instructure.com",
                "domain": urlsplit(here).hostname or "",
                "tool_id": "grader",
                "privacy_level": "public",
                "settings": {"text": _TITLE, "placements": placements},
            }
        ],
    }


def for_moodle(here: str) -> Sequence[tuple[str, str]]:
    """What to fill into Moodle's form for a tool that is set up by hand, field by field.

    Source: https://docs.moodle.org/en/LTI_External_tools
    """
    ours = addresses(here)
    fields: Mapping[str, str] = {
        "Tool name": _TITLE,
        "Tool URL": ours["launch"],
        "LTI version": "LTI 1.3",
        "Public key type": "Keyset URL",
        "Public keyset": ours["keys"],
        "Initiate login URL": ours["login"],
        "Redirection URI(s)": f"{ours['launch']} and, on a line of its own, {ours['deep']}",
        "Custom parameters": "login=$User.username",
        "Default launch container": "New window",
        "Supports Deep Linking": "yes, with Content Selection URL " + ours["deep"],
        "IMS LTI Assignment and Grade Services": "Use this service for grade sync and column management",
        "IMS LTI Names and Role Provisioning": "Use this service to retrieve members' information",
        "Share launcher's name with tool": "Always",
        "Share launcher's email with tool": "Always",
        "Accept grades from the tool": "Always",
    }
    return tuple(fields.items())
