"""The cluster's certificate authority, certificates and kubeconfig files, made anew for each cluster."""

import textwrap

import network
from shell import run


class Pki:
    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True, mode=0o700)
        self.ca = folder / "ca.crt"
        run("openssl", "req", "-x509", *new_key(folder / "ca.key"), "-out", self.ca, "-days", 30,
            "-subj", "/CN=cluster-ca")
        self.token_key = folder / "token.key"
        self.token_public_key = folder / "token.pub"
        run("openssl", "genrsa", "-out", self.token_key, 2048)
        run("openssl", "rsa", "-in", self.token_key, "-pubout", "-out", self.token_public_key)

    def certificate(self, name, subject, alternative_names="DNS:unused"):
        """Makes NAME.crt and NAME.key for a server or client and returns their paths."""
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        extensions.write_text(f"subjectAltName={alternative_names}\nextendedKeyUsage=clientAuth,serverAuth\n")
        run("openssl", "req", *new_key(key), "-out", request, "-subj", subject)
        run("openssl", "x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.folder / "ca.key",
            "-CAcreateserial", "-days", 30, "-extfile", extensions, "-out", certificate)
        return certificate, key

    def kubeconfig(self, name, subject):
        certificate, key = self.certificate(name, subject)
        path = self.folder / f"{name}.conf"
        server = f"https://{network.CONTROL_PLANE}:6443"
        path.write_text(textwrap.dedent(f"""\
            apiVersion: v1
            kind: Config
            clusters: [{{name: c, cluster: {{server: "{server}", certificate-authority: {self.ca}}}}}]
            users: [{{name: u, user: {{client-certificate: {certificate}, client-key: {key}}}}}]
            contexts: [{{name: c, context: {{cluster: c, user: u}}}}]
            current-context: c
            """))
        return path


def new_key(path):
    return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", path]
