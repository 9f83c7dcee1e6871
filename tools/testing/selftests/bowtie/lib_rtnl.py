# SPDX-License-Identifier: GPL-2.0-only
"""Network devices by rtnetlink, as far as the tests need what ip(8) cannot say or
would take a process each to say: the attributes of our link kind, and hundreds of
links."""
import struct

from lib_genl import NLM_F_ACK, Socket, attr, attrs_of

NETLINK_ROUTE = 0
NLM_F_EXCL, NLM_F_CREATE = 0x200, 0x400
RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
IFLA_IFNAME, IFLA_MTU, IFLA_OPERSTATE, IFLA_LINKMODE, IFLA_LINKINFO = 3, 4, 16, 17, 18
IFLA_NET_NS_FD = 28
IFLA_INFO_KIND, IFLA_INFO_DATA = 1, 2
IFF_UP = 1


class Rtnl:
    """Requests to rtnetlink in the namespace of whoever makes the object."""

    def __init__(self):
        self.sock = Socket(NETLINK_ROUTE)

    def _change(self, kind, flags, index, name, attributes=b"", up=None):
        body = struct.pack("=BxHiII", 0, 0, index, IFF_UP if up else 0,
                           0 if up is None else IFF_UP)
        if name is not None:
            body += attr(IFLA_IFNAME, name.encode() + b"\0")
        self.sock.request(kind, NLM_F_ACK | flags, body + attributes)

    def add(self, name, data=b"", kind="bowtie", index=0, **more):
        """a new link; data are the attributes of its kind. More is as for set()"""
        info = attr(IFLA_INFO_KIND, kind.encode() + b"\0") + \
            (attr(IFLA_INFO_DATA, data, True) if data else b"")
        self._change(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, index, name,
                     attr(IFLA_LINKINFO, info, True) + self._settings(**more))

    @staticmethod
    def _settings(mtu=None, netns=None):
        out = b""
        if mtu is not None:
            out += attr(IFLA_MTU, struct.pack("=I", mtu))
        if netns is not None:
            out += attr(IFLA_NET_NS_FD, struct.pack("=I", netns.file))
        return out

    def set(self, name, data=b"", up=None, **more):
        """change a link: up, mtu, netns, and the attributes of our kind"""
        attributes = self._settings(**more)
        if data:
            attributes += attr(IFLA_LINKINFO, attr(IFLA_INFO_KIND, b"bowtie\0") +
                               attr(IFLA_INFO_DATA, data, True), True)
        self._change(RTM_NEWLINK, 0, 0, name, attributes, up)

    def rename(self, index, name):
        """give the link with this index another name"""
        self._change(RTM_NEWLINK, 0, index, name)

    def delete(self, name):
        """delete a link"""
        self._change(RTM_DELLINK, 0, 0, name)

    def get(self, name):
        """index, mtu, flags and kind data of a link"""
        body = struct.pack("=BxHiII", 0, 0, 0, 0, 0) + attr(IFLA_IFNAME, name.encode() + b"\0")
        (_, answer), = self.sock.request(RTM_GETLINK, NLM_F_ACK, body)
        _, _, index, flags, _ = struct.unpack_from("=BxHiII", answer)
        fields = dict(attrs_of(answer[16:]))
        info = dict(attrs_of(fields.get(IFLA_LINKINFO, b"")))
        return {"index": index, "flags": flags,
                "mtu": struct.unpack("=I", fields[IFLA_MTU])[0],
                "operstate": fields[IFLA_OPERSTATE][0],
                "data": info.get(IFLA_INFO_DATA, b"")}
