"""sham_program.py FOLDER JSON runs a sweep that only pretends to train, and exits with its code.

JSON: {"acts": [...], "limits": {...}}. What the coordinator needed is written to FOLDER/measured.json. Every trial's
process imports this file, so that nothing happens outside the guard.
"""

if __name__ == "__main__":
    import json
    import os
    import resource
    import sys
    import time
    from pathlib import Path

    from acts import act
    from sham import sham_sweep

    from experiments.atomic import write_json
    from experiments.sweep.local import LocalEngine

    files: list[int] = []
    memory: list[float] = []

    class Watched(LocalEngine):
        def events(self, timeout: float):  # type: ignore[no-untyped-def]
            files.append(len(os.listdir("/proc/self/fd")))
            memory.append(int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 2**20)
            return super().events(timeout)

    folder, wish = Path(sys.argv[1]), json.loads(sys.argv[2])
    began = time.process_time()
    code = sham_sweep(folder, wish["acts"], limits=wish.get("limits", {}), engine=lambda: Watched(2, body=act))
    spent = time.process_time() - began
    every = max(1, len(memory) // 100)
    write_json(
        folder / "measured.json", {"seconds": spent, "files": max(files, default=0), "memory_mb": memory[::every]}
    )
    sys.exit(code)
