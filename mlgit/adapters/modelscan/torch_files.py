"""Archives of PyTorch: one folder with a pickle and the numbers that it names."""

from __future__ import annotations

import re
import zipfile

from mlgit.adapters.modelscan import pickles, scans
from mlgit.adapters.modelscan.verdict import Verdict

_OTHERS = re.compile(r"version|byteorder|\.format_version|\.storage_alignment|\.data/serialization_id|data/[0-9]+")
_LOADER = "torch.load(weights_only=False)"


def judge(archive: zipfile.ZipFile) -> Verdict:
    """The verdict for an archive that has a `data.pkl`."""
    found = Verdict("torch", loader=_LOADER)
    folder = archive.namelist()[0].split("/")[0]
    for member in archive.infolist():
        name = member.filename.removeprefix(f"{folder}/")
        if name == member.filename:
            found.findings.append(f"member '{name[:100]}' is not in the folder of the others")
        elif member.compress_type != zipfile.ZIP_STORED:
            found.findings.append(f"member '{name[:100]}' is packed, which PyTorch does not do")
        elif name == "data.pkl":
            with archive.open(member) as stream:
                scanned = pickles.scan_file(stream, member.file_size, loader="torch")  # type: ignore[arg-type]
            found.findings += [f"{member.filename[:100]}: {each}" for each in scanned.findings]
        elif name.startswith("code/") or name.endswith(".py"):
            found.findings.append(f"{member.filename[:100]}: holds code (TorchScript)")
        elif not _OTHERS.fullmatch(name):
            found.findings.append(f"member '{member.filename[:100]}' is nothing that torch.save writes")
    del found.findings[scans.MOST_FINDINGS :]
    return found
