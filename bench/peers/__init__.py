"""The proxies that are compared. Each module makes the same pair: client -> A = mutual TLS 1.3 = B -> origin, with one
worker per proxy, AES-128-GCM, certificates on P-256 that both sides verify, kept connections and no access log."""

import dataclasses

from pair import A_IDENTITY, B_IDENTITY, Authority, free_port
from processes import family

# Names beside the identities, for proxies that can verify nothing but a DNS name.
A_NAME, B_NAME = "client.shop", "web.shop"
ADDRESS = "127.0.0.1"


def free_address():
    return f"{ADDRESS}:{free_port(ADDRESS)}"


@dataclasses.dataclass(frozen=True)
class Leaf:
    certificate: str
    key: str
    root: str

    def joined(self):
        """Certificate and key in one file, as HAProxy wants them."""
        path = self.certificate + "+key"
        with open(path, "w", encoding="ascii") as out:
            for part in (self.certificate, self.key):
                with open(part, encoding="ascii") as file:
                    out.write(file.read())
        return path


class Certificates:
    """Leaves of both sides for one benchmark run: `a` and `b` have a DNS name beside the identity; those `of_mesh` have
    the identity alone, as in the mesh, where no other certificate is accepted."""

    def __init__(self, directory):
        self.authority = Authority(directory)
        root = f"{directory}/root.crt"
        sans = {"a": f"URI:{A_IDENTITY}", "b": f"URI:{B_IDENTITY}"}
        names = {"a": A_NAME, "b": B_NAME}
        self.of_mesh = {side: Leaf(*self.authority.issue(f"mesh-{side}", san), root) for side, san in sans.items()}
        self.a, self.b = (Leaf(*self.authority.issue(side, f"{san},DNS:{names[side]}"), root)
                          for side, san in sans.items())


@dataclasses.dataclass
class Running:
    """A pair that takes connections on `outbound`. `programs` have a pid and stop()."""

    outbound: str
    inbound: str
    programs: list

    def pids(self):
        return [pid for program in self.programs for pid in family(program.pid)]

    def pids_of_each(self):
        return [family(program.pid) for program in self.programs]

    def stop(self):
        for program in self.programs:
            program.stop()
