#!/usr/bin/env python3
"""usage: make_wheel.py ROOT OUT: makes a wheel (PEP 427) of what `cmake --install` has put under ROOT, its
component wheel, and prints its name. Run by the Python that the package was built for.

The wheel has the library beside the module, which looks for it there. What both need besides is of
the system (Requires-External). The same files give the same wheel, to the byte."""

import base64
import hashlib
import importlib.machinery
import importlib.util
import pathlib
import sys
import sysconfig
import zipfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent
SUMMARY = "Simulator of phase-split LLM inference clusters"


def version_of(module):
    """What the built module says of itself."""
    loader = importlib.machinery.ExtensionFileLoader("_cleave", str(module))
    spec = importlib.util.spec_from_file_location("_cleave", module, loader=loader)
    loaded = importlib.util.module_from_spec(spec)
    loader.exec_module(loaded)
    return loaded.version()


def tag():
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    return f"{python}-{python}-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"


def metadata(version):
    major, minor = sys.version_info[:2]
    return ("Metadata-Version: 2.1\n"
            "Name: cleave\n"
            f"Version: {version}\n"
            f"Summary: {SUMMARY}\n"
            "License: Apache-2.0\n"
            f"Requires-Python: =={major}.{minor}.*\n"
            "Requires-Dist: numpy\n"
            "Requires-External: libsimgrid (3.32)\n"
            "Requires-External: libsqlite3\n"
            "Requires-External: zlib\n"
            "Description-Content-Type: text/markdown\n"
            "\n" + (SOURCE / "docs" / "python.md").read_text())


def files_of(root, version):
    """What the wheel holds, by its names in it."""
    package = root / "cleave"
    files = {f"cleave/{file.name}": file.read_bytes()
             for file in package.iterdir() if file.suffix in (".py", ".so")}
    # The name that the module asks for is a link to the library's whole name.
    library = next(file for file in package.glob("libcleave.so.*") if file.is_symlink())
    files[f"cleave/{library.name}"] = library.read_bytes()
    info = f"cleave-{version}.dist-info"
    files[f"{info}/METADATA"] = metadata(version).encode()
    files[f"{info}/WHEEL"] = ("Wheel-Version: 1.0\nGenerator: cleave\nRoot-Is-Purelib: false\n"
                              f"Tag: {tag()}\n").encode()
    files[f"{info}/LICENSE"] = (SOURCE / "LICENSE").read_bytes()
    files[f"{info}/copyright"] = (SOURCE / "packaging" / "copyright").read_bytes()
    return files, f"{info}/RECORD"


def record(files, name):
    lines = []
    for file, content in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{file},sha256={digest},{len(content)}\n")
    return "".join(lines) + f"{name},,\n"


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    root, out = map(pathlib.Path, sys.argv[1:])
    version = version_of(root / "cleave" / "_cleave.so")
    files, record_name = files_of(root, version)
    out.mkdir(parents=True, exist_ok=True)
    wheel = out / f"cleave-{version}-{tag()}.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in [*sorted(files.items()),
                              (record_name, record(files, record_name).encode())]:
            entry = zipfile.ZipInfo(name)  # of 1980, whenever it is made
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o755 if ".so" in name else 0o644) << 16
            archive.writestr(entry, content)
    print(wheel)


if __name__ == "__main__":
    main()
