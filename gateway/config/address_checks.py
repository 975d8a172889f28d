"""Addresses in gateway.yaml that cannot be meant: of hosts, networks, destinations and channels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_interface
from urllib.parse import urlsplit

from gateway.config.diagnostics import DocumentFindings, did_you_mean
from gateway.config.nodes import Mapping, Node, Scalar, Sequence

_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_FOUR_NUMBERS = re.compile(r"[0-9]+(?:\.[0-9]+){3}")
_INSIDE = (".internal", ".local", ".lan", ".localhost", ".svc", ".test", ".example", ".home.arpa")
"""Endings of names that the open internet does not have."""
_CHANNELS = frozenset(
    """
    46elks amqp amqps apprise apprises aprs atalk azure bark barks betterstack bluesky brevo bsky bulksms bulkvs
    burstsms chanify clickatell clicksend cliq cm d7sms dapnet deltachat deltachats dingtalk discord dot
    eight00com elks emby embys enigma2 enigma2s evolution evolutions exotel fcm feishu firehydrant flock
    flowtriq flowtriqs fluxer fluxers form forms freemobile gchat github goalert goalerts gorush gorushs gotify
    gotifys groundmail groupme guilded gupshup hassio hassios httpsms humhub humhubs ifttt ilert incidentio
    infobip irc ircs jellyfin jellyfins jira join json jsons kakao kakaotalk kaleyra kavenegar klr kodi kodis
    kook kudosity kumulos lametric lametrics lark lauther lfg line log mailersend mailgun mailto mailtos
    mastodon mastodons matrix matrixs misskey misskeys mmost mmosts mobilemessage mobilemsg msg91 msgbird ncloud
    nclouds nctalk nctalks nexmo nostr notica noticas notifiarr notifico notificos notifyre ntfy ntfys o365
    octopush onebot onebots onesignal opsgenie pagerduty pagertree parsep parseps pbul pinglet pinglets pingram
    pjet pjets plivo postmark pover prowl psafer psafers push pushdeer pushdeers pushed pushme pushplus pushward
    pushy qq reddit resend revolt ringc rocket rockets rsyslog ryver schan sendgrid sendpulse serwersms ses
    session sessions seven sfr signal signalgrid signals signl4 simplepush sinch slack smsc smseagle smseagles
    smsmanager smsmgr smstunnel smtp2go sns sogs sparkpost spike splunk spugpush spush squadcast stackfield
    strmlabs synology synologys syslog telesign telnyx tgram threema toot toots trigv trigvs tweet twilio twist
    twitter vapid viber victorops voipms vonage webex wechat wecom wecombot whapi whatsapp workflow workflows
    wpush wxpusher wxteams x xbmc xbmcs xmatters xml xmls youlmk zalo zcliq zohocliq zoom zulip
    """.split()  # noqa: SIM905 - a hundred and sixty lines otherwise
)
"""Kinds of channels: those of Apprise 1.9 and the gateway's own. Asking the library itself takes half a second."""


def check_addresses(root: Mapping, findings: DocumentFindings) -> None:
    """Run every check of addresses."""
    server = root.get("server")
    check_host(server.get("host") if isinstance(server, Mapping) else None, findings)
    for _, source in _entries(root, "sources"):
        check_prefixes(source.get("allow_ips") if isinstance(source, Mapping) else None, findings)
    for key, destination in _entries(root, "destinations"):
        url = destination.get("url") if isinstance(destination, Mapping) else None
        check_url(key, url, findings)
        check_plain_http(key, url, findings)
    for key, channel in _entries(root, "channels"):
        check_channel(key, channel, findings)


def check_host(node: Node | None, findings: DocumentFindings) -> None:
    """Report a `host` that is no name and no address."""
    text = _text(node)
    if node is None or not text or _is_address(text):
        return
    if _FOUR_NUMBERS.fullmatch(text) or not _HOST.fullmatch(text):
        help = "an address or name alone: `127.0.0.1`, `0.0.0.0` for every one, `::`"
        findings.error("GW104", "`host` is no address and no name of a host", node, help=help)


def check_prefixes(node: Node | None, findings: DocumentFindings) -> None:
    """Warn of a network whose address says more than its prefix: it lets more in than is written."""
    for item in node.items if isinstance(node, Sequence) else ():
        text = _text(item)
        try:
            meant = None if text is None or "/" not in text else ip_interface(text.strip())
        except ValueError:  # it is reported as no network
            continue
        if meant is not None and meant.ip != meant.network.network_address:
            message = f"this is the whole network `{meant.network}`"
            help = f"write `{meant.network}`, or `{meant.ip}` for the one address"
            findings.warning("GW104", message, item, help=help)


_HOLE = re.compile(r"\$\w+|\$?\{[^}]*\}?|<[^>]*>")


def check_url(key: Scalar, node: Node | None, findings: DocumentFindings) -> None:
    """Report an address of a destination that nothing can be sent to: it is the same for all that is sent."""
    text = _text(node)
    if not isinstance(node, Scalar) or not text or "://" not in text:
        return
    hole = _HOLE.search(text)
    if hole is not None and node.origin is None:
        message = f"the address of `{key.text}` would be taken as it is written: `{hole[0]}` stands for nothing"
        help = "the `path` of a `send` step is worked out for each event"
        findings.error("GW104", message, node.span_of(*hole.span()), help=help)
        return
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        message = f"the address of `{key.text}` has a port that does not exist"
        findings.error("GW104", message, node, help="ports are from 1 to 65535")
        return
    if parts.fragment:
        message = f"the address of `{key.text}` ends with `#{parts.fragment}`, which is never sent"
        findings.warning("GW104", message if node.origin is None else "the address has a `#`", node, help="take it out")


def check_plain_http(key: Scalar, node: Node | None, findings: DocumentFindings) -> None:
    """Advise of a destination on the open internet that is spoken to without encryption."""
    text = _text(node)
    if node is None or not text or not text.startswith("http://"):
        return
    try:
        host = urlsplit(text).hostname or ""
    except ValueError:
        return
    if _is_outside(host):
        help = "write `https://`; only what stays on a network of one's own may go in the clear"
        findings.advice("GW515", f"what is sent to `{key.text}` can be read on its way", node, help=help)


def check_channel(key: Scalar, node: Node, findings: DocumentFindings) -> None:
    """Report an address of a channel of a kind that nothing can be told by."""
    for item in node.items if isinstance(node, Sequence) else ():
        text = _text(item)
        scheme, separator, _ = (text or "").partition("://")
        near = did_you_mean(scheme, sorted(_CHANNELS)) if separator and scheme.lower() not in _CHANNELS else None
        if near is not None:  # of another kind a newer version may know
            message = f"the channel `{key.text}` has an address of a kind that nothing can be told by"
            findings.error("GW104", message, item, help=f"did you mean `{near}://`?")


def _is_outside(host: str) -> bool:
    if _is_address(host):
        return ip_address(host).is_global
    return "." in host.strip(".") and not host.endswith(_INSIDE)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _entries(root: Mapping, key: str) -> Iterator[tuple[Scalar, Node]]:
    node = root.get(key)
    if isinstance(node, Mapping):
        yield from node.entries


def _text(node: Node | None) -> str | None:
    return node.value if isinstance(node, Scalar) and node.known and isinstance(node.value, str) else None
