"""Sentences for problems of the launch room: before a start, while it runs, listing and stopping."""

from __future__ import annotations

from tui.i18n import N_

_BEFORE: dict[str, tuple[str, str]] = {
    "launch.usage": (N_("The command line cannot be read: {message}."), N_("See {command} --help.")),
    "launch.order": (N_("{what} did not work: {reason}."), ""),
    "launch.slow": (N_("The machine did not answer {what} within {seconds} s."), N_("Try again.")),
    "launch.probe": (
        N_("The machine could not be looked at ({what}): {reason}."),
        N_("It needs a Python 3.6 or newer in PATH."),
    ),
    "launch.no-lmdeploy": (
        N_("No lmdeploy was found on {machine}."),
        N_("Install it with pip install lmdeploy, or name it with --lmdeploy PATH or the setting lmdeploy_path."),
    ),
    "launch.lmdeploy-path": (
        N_("There is no lmdeploy at {path}."),
        N_("Name the command lmdeploy or the environment it is installed in."),
    ),
    "launch.version-unknown": (
        N_("The release of the lmdeploy in {prefix} could not be found out; the newest known one is assumed."),
        "",
    ),
    "launch.no-card": (
        N_("No GPU can be read there, so nothing can be planned."),
        N_("Give its size with --gpu 24GiB."),
    ),
    "launch.card": (N_("There is no card {card}; the machine has {count}."), N_("Cards are counted from 0.")),
    "launch.cards": (N_("{text} is not a list of cards."), N_("Write it like 0 or 0,1.")),
    "launch.download": (
        N_("{model} is no folder there, so lmdeploy will look for it on the hub and download it first."),
        N_("Choose a mirror with HF_ENDPOINT if the hub cannot be reached."),
    ),
    "launch.remote-code-notice": (
        N_("{model} comes with code of its own, which lmdeploy runs only when told to since 0.13."),
        N_("Add --trust-remote-code if you trust it."),
    ),
    "launch.no-port": (
        N_("lmdeploy cannot listen on {host}, port {port} or the next ones: {reason}."),
        N_("Name another --server-port or --server-name."),
    ),
    "launch.port-moved": (N_("Port {wanted} is taken, so the server will listen on {port}."), ""),
    "launch.open-to-all": (
        N_("On {host} everybody who reaches this machine can use the server; it asks for no key."),
        N_("Leave --server-name out to keep it to this machine, or add --api-keys."),
    ),
    "launch.tool-parser": (
        N_("Without --tool-call-parser the server finds no tool calls of {model}."),
        N_("Add --tool-call-parser {parser}."),
    ),
}

_RUNNING: dict[str, tuple[str, str]] = {
    "launch.unknown-flag": (
        N_("lmdeploy {version} does not know these words: {what}."),
        N_("Start again without them."),
    ),
    "launch.bad-flag": (N_("lmdeploy refused its command line: {what}."), N_("Correct it and start again.")),
    "launch.port-taken": (
        N_("Port {port} was taken by another program while the model was loading."),
        N_("Start on another port."),
    ),
    "launch.script-data": (
        N_("The calibration set is a program, and the installed datasets library no longer runs such sets."),
        N_("Use wikitext2, or install datasets<3."),
    ),
    "launch.ptb": (
        N_("The calibration set ptb is gone: lmdeploy dropped it in 0.12, and the hub no longer serves it as data."),
        N_("Use --calib-dataset wikitext2."),
    ),
    "launch.question": (
        N_("The program asked whether it may run code that comes with the download, and got no answer."),
        N_("Answer the question the next time, or choose data without code."),
    ),
    "launch.remote-code": (
        N_("{model} comes with code of its own, and lmdeploy may not run it."),
        N_("Add --trust-remote-code if you trust the checkpoint."),
    ),
    "launch.no-kv-memory": (
        N_("After loading, too little memory was left for the kv cache."),
        N_("Lower --cache-max-entry-count or --max-batch-size, or take the w4a16 variant."),
    ),
    "launch.out-of-memory": (
        N_("The card ran out of memory."),
        N_("Start with a smaller kv cache, or free the card first."),
    ),
    "launch.driver-old": (
        N_("The NVIDIA driver is older than the CUDA release this PyTorch was built for."),
        N_("Update the driver, or install a PyTorch built for an older CUDA."),
    ),
    "launch.driver-mismatch": (
        N_("The NVIDIA driver was updated while it was running: kernel module and library differ."),
        N_("Reboot the machine."),
    ),
    "launch.no-driver": (
        N_("No NVIDIA driver or no card is visible to lmdeploy."),
        N_("Run nvidia-smi there; in a container start it with GPU support (docker run --gpus all)."),
    ),
    "launch.disk": (N_("The disk is full."), N_("Free some space, or download to another disk with --download-dir.")),
    "launch.incomplete": (
        N_("A weight file of {model} is damaged or missing."),
        N_("The download is not finished: run it again."),
    ),
    "launch.no-model-here": (
        N_("{model} does not look like a model folder: a file it needs is missing."),
        N_("Check the folder, or download it again."),
    ),
    "launch.proxy": (
        N_("The variable {variable} sends even requests to this machine through a proxy."),
        N_("Set no_proxy=localhost,127.0.0.1 for the server."),
    ),
    "launch.hub": (
        N_("The model hub could not be reached."),
        N_("Use a mirror (HF_ENDPOINT), ModelScope, or a folder that is already on the disk."),
    ),
    "launch.hub-missing": (
        N_("The hub has no {model}, or wants a login for it."),
        N_("Check the name; for a gated model set HF_TOKEN."),
    ),
    "launch.engine-refused": (
        N_("This lmdeploy cannot serve this kind of model."),
        N_("Use a newer lmdeploy, or the PyTorch engine (--backend pytorch)."),
    ),
    "launch.wrong-parser": (
        N_("This lmdeploy does not know the tool-call parser it was given."),
        N_("Use one that fits the model."),
    ),
    "launch.broken-environment": (
        N_("The Python environment of lmdeploy is broken: {what}."),
        N_("Run lmdeck env: it says which versions repair it."),
    ),
    "launch.warm-up": (
        N_("The warm-up failed: {what}."),
        N_("Start with a smaller kv cache or batch; the log says more."),
    ),
    "launch.fallback": (
        N_("lmdeploy fell back to the PyTorch engine by itself ({reason})."),
        N_("Memory, processes and metrics follow that engine's rules; the plan was made for the other one."),
    ),
    "launch.context-cut": (
        N_("The kv cache is so small that conversations end at {tokens} tokens."),
        N_("Raise --cache-max-entry-count, or quantise the kv cache."),
    ),
    "launch.silent": (
        N_("Nothing was heard for {seconds} s while it is busy with: {stage}."),
        N_("Large models and slow disks take long. Look at the log, or stop it."),
    ),
    "launch.stopped": (N_("The server was stopped while it started."), ""),
    "launch.killed": (
        N_("The system killed the server, most likely because the machine's main memory ran out."),
        N_("Close other programs, or choose a smaller model."),
    ),
    "launch.crashed": (
        N_("The server crashed (signal {signal})."),
        N_("Check lmdeploy's environment: driver, CUDA and PyTorch may not fit together."),
    ),
    "launch.failed": (
        N_("The start failed during {stage} ({line})."),
        N_("The log has the whole story."),
    ),
    "launch.failed-silently": (
        N_("The server ended during {stage} with exit status {code} and did not say why."),
        N_("The last lines of its log may tell."),
    ),
}

_SERVERS: dict[str, tuple[str, str]] = {
    "launch.no-such-server": (
        N_("No server called {name} runs there."),
        N_("lmdeck serve --list shows those that do."),
    ),
    "launch.several-servers": (
        N_("{count} servers are called {name}."),
        N_("Name one by its id, port or process; lmdeck serve --list shows them."),
    ),
    "launch.not-yours": (
        N_("{name} was not started by lmdeck for you; its process {pid} belongs to {user}."),
        N_("Type lmdeck serve --stop {name} to stop it all the same."),
    ),
    "launch.not-allowed": (
        N_("{model} belongs to {user} and could not be stopped: {reason}."),
        N_("Ask its owner."),
    ),
    "launch.will-not-stop": (
        N_("{count} processes of {model} are still there after SIGKILL."),
        N_("They hang in the driver; only a reboot helps."),
    ),
    "launch.memory-stays": (
        N_("{model} has ended, but only {freed} GiB came back."),
        N_("Another process may have taken the memory; the list of servers shows who holds the card."),
    ),
}


TABLE: dict[str, tuple[str, str]] = {**_BEFORE, **_RUNNING, **_SERVERS}
