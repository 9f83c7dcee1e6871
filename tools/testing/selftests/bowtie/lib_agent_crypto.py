# SPDX-License-Identifier: GPL-2.0-only
"""Commands of the agent: instances of crypto templates, which all new users of the
algorithm get, as their priority is made the highest."""
import errno
import os
import socket
import struct

from lib_agent import AgentError, command

NETLINK_CRYPTO = 21
CRYPTO_MSG_DELALG, CRYPTO_MSG_UPDATEALG, CRYPTO_MSG_GETALG = 0x11, 0x12, 0x13
CRYPTOCFGA_PRIORITY_VAL = 1
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 1, 4, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3
USER_ALG = "64s64s64sIIII"  # struct crypto_user_alg
HIGHEST = 1 << 20


def _request(sock, kind, flags, body):
    sock.send(struct.pack("=IHHII", 16 + len(body), kind, flags | NLM_F_REQUEST, 1, 0) + body)
    while True:
        data, at = sock.recv(1 << 17), 0
        while at + 16 <= len(data):
            size, kind, _, _, _ = struct.unpack_from("=IHHII", data, at)
            yield kind, data[at + 16:at + size]
            if kind in (NLMSG_ERROR, NLMSG_DONE):
                return
            at += (size + 3) & ~3


def _instances(sock, template):
    """(name, driver) of what crypto_instance() has made"""
    prefix = template.partition("(")[0] + "("
    for kind, body in _request(sock, CRYPTO_MSG_GETALG, NLM_F_DUMP,
                               struct.pack(USER_ALG, b"", b"", b"", 0, 0, 0, 0)):
        if kind == CRYPTO_MSG_GETALG:
            name, driver = (body[at:at + 64].split(b"\0")[0] for at in (0, 64))
            if name.decode() == template[len(prefix):-1] and driver.startswith(prefix.encode()):
                yield name, driver


def _change(sock, kind, name, driver, attributes=b""):
    alg = struct.pack(USER_ALG, name, driver, b"", 0, 0, 0, 0)
    for answer, body in _request(sock, kind, NLM_F_ACK, alg + attributes):
        code, = struct.unpack_from("=i", body)
        if answer == NLMSG_ERROR and code:
            raise AgentError(f"{driver}: {os.strerror(-code)}")


def _crypto_socket():
    return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_CRYPTO)


@command
def crypto_instance(template):
    """NAME: make one, e.g. pcrypt(seqiv(rfc4106(gcm(aes)))); tells its driver"""
    with socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET) as sock:
        try:
            sock.bind(("aead", template))
        except OSError as error:
            # It is made, but not found by the name that was asked for
            if error.errno != errno.ENOENT:
                raise
    with _crypto_socket() as sock:
        for name, driver in _instances(sock, template):
            # cryptd takes no child that is asynchronous already, as those made of
            # vector instructions are, and what it makes of another ranks below them
            _change(sock, CRYPTO_MSG_UPDATEALG, name, driver,
                    struct.pack("=HHI", 8, CRYPTOCFGA_PRIORITY_VAL, HIGHEST))
            return driver.decode()
    raise AgentError(f"there is no {template}")


@command
def crypto_remove(template):
    """NAME: remove it, if it is there; refused while an SA uses it"""
    with _crypto_socket() as sock:
        for name, driver in list(_instances(sock, template)):
            _change(sock, CRYPTO_MSG_DELALG, name, driver)
