"""The archive that the page writes is one that others open."""

import io
import json
import subprocess
import zipfile
import zlib

from tenfold.serving.assets import web_folder

SCRIPT = """
import { readFileSync } from "node:fs";
const { zip } = await import(process.argv[1] + "/zip.mjs");
const files = JSON.parse(readFileSync(0)).map(({ name, bytes }) => ({ name, bytes: Uint8Array.from(bytes) }));
process.stdout.write(zip(files));
"""


def test_an_archive():
    files = {
        "digits/7/0001.png": b"\x89PNG" + bytes(range(256)),
        "digits/none/é.txt": b"",
        "a": b"x" * 70_000,
    }
    given = json.dumps([{"name": name, "bytes": [*content]} for name, content in files.items()])
    command = ["node", "--input-type=module", "--eval", SCRIPT, "--", web_folder().as_uri()]
    done = subprocess.run(command, input=given.encode(), capture_output=True, check=True)

    with zipfile.ZipFile(io.BytesIO(done.stdout)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files
        assert [entry.CRC for entry in archive.infolist()] == [zlib.crc32(one) for one in files.values()]
