"""Sentences for problems of the launch room: command lines, starts, stops, quantising, environments."""

from __future__ import annotations

from tui.i18n import N_

_COMMAND: dict[str, tuple[str, str]] = {
    "serve.no-model": (
        N_("No model was named."),
        N_("Write the model's folder or hub name first, as in lmdeck serve MODEL --tp 1."),
    ),
    "serve.unknown-flag": (
        N_("lmdeploy has no {flag}."),
        N_("Leave it out, or put it behind -- to pass it on unread."),
    ),
    "serve.unknown-flag-near": (
        N_("lmdeploy has no {flag}."),
        N_("Did you mean {near}? What stands behind -- is passed on unread."),
    ),
    "serve.stray-word": (
        N_("{word} belongs to no option, and the model is {model} already."),
        N_("Put quotes around a value with spaces."),
    ),
    "serve.no-value": (N_("{flag} needs a value."), N_("Write one behind it.")),
    "serve.not-a-number": (N_("{flag} needs a number, not {value}."), N_("Write a number behind it.")),
    "serve.flag-since": (
        N_("lmdeploy {version} has no {flag}; it came with {since}."),
        N_("Leave it out, or use a newer lmdeploy."),
    ),
    "serve.flag-until": (
        N_("lmdeploy {version} no longer has {flag}; {until} was the last release with it."),
        N_("Leave it out."),
    ),
    "serve.lacks--disable-vision-encoder": (
        N_("lmdeploy {version} has no --disable-vision-encoder."),
        N_("It exists from 0.9.2 to 0.14 and is called --language-model-only since 0.15."),
    ),
    "serve.lacks--language-model-only": (
        N_("lmdeploy {version} has no --language-model-only; it came with {since}."),
        N_("From 0.9.2 to 0.14 it was called --disable-vision-encoder."),
    ),
    "serve.lacks--enable-metrics": (
        N_("lmdeploy {version} has no --enable-metrics."),
        N_(
            "Leave it out: since 0.11 metrics are on and --disable-metrics turns them off; before 0.9.2 there are none."
        ),
    ),
    "serve.lacks--disable-metrics": (
        N_("lmdeploy {version} has no --disable-metrics; it came with {since}."),
        N_("Leave it out: before 0.11 metrics are off unless --enable-metrics is given."),
    ),
    "serve.lacks--trust-remote-code": (
        N_("lmdeploy {version} has no --trust-remote-code for serve; it came with {since}."),
        N_("Leave it out: before 0.13 the checkpoint's own code was always trusted."),
    ),
    "serve.lacks--num-gpu-blocks": (
        N_("lmdeploy {version} has no --num-gpu-blocks; it came with {since}."),
        N_("Use --cache-max-entry-count."),
    ),
    "serve.lacks--tool-call-parser": (
        N_("lmdeploy {version} has no --tool-call-parser; it came with {since}."),
        N_("Leave it out: older releases find the tool calls of InternLM2.5 by themselves."),
    ),
    "serve.lacks--reasoning-parser": (
        N_("lmdeploy {version} has no --reasoning-parser; it came with {since}."),
        N_("Leave it out: lmdeck finds the reasoning in the text itself."),
    ),
    "serve.lacks--generation-config": (
        N_("lmdeploy {version} has no --generation-config; it came with {since}."),
        N_("Leave it out and set the sampling parameters in lmdeck."),
    ),
    "serve.lacks--cap": (
        N_("lmdeploy {version} no longer has --cap."),
        N_("Choose the chat template with --chat-template."),
    ),
    "serve.lacks--meta-instruction": (
        N_("lmdeploy {version} no longer has --meta-instruction."),
        N_("Set the system prompt in the conversation, or in a --chat-template file."),
    ),
    "serve.lacks--max-log-len": (
        N_("lmdeploy {version} has no --max-log-len; it came with {since}."),
        N_("Leave it out; --log-level WARNING keeps prompts out of the log."),
    ),
    "serve.ratio": (
        N_("--cache-max-entry-count {ratio} is not possible."),
        N_("It must lie between 0 and 1: the share of the memory that is free after loading."),
    ),
    "serve.port": (N_("{port} is not a port."), N_("Ports go from 1 to 65535; lmdeploy's own is 23333.")),
    "serve.tp": (N_("--tp {tp} is not possible."), N_("It must be a power of two: 1, 2, 4, 8.")),
    "serve.tp-cards": (
        N_("--tp {tp} needs {tp} cards, but only {cards} can be used."),
        N_("Lower --tp, or name more cards."),
    ),
    "serve.format-since": (
        N_("lmdeploy {version} does not know the model format {format}; it came with {since}."),
        N_("Use a newer lmdeploy, or another checkpoint."),
    ),
    "serve.format-llama": (
        N_("lmdeploy {version} no longer knows the model format llama."),
        N_("Leave --model-format out: it is found out by itself."),
    ),
    "serve.policy": (
        N_("{policy} is not a quant policy."),
        N_("Use 0, 4 or 8 (PyTorch engine also fp8, fp8_e5m2, turbo_quant)."),
    ),
    "serve.policy-engine": (
        N_("The TurboMind engine does not know quant policy {policy}."),
        N_("Use 0, 4 or 8, or add --backend pytorch."),
    ),
    "serve.policy-name": (
        N_("lmdeploy {version} takes quant policies only by number; names came with {since}."),
        N_("Write --quant-policy {number}."),
    ),
    "serve.policy-since": (
        N_("lmdeploy {version} does not know quant policy {policy}; it came with {since}."),
        N_("Use 0, 4 or 8."),
    ),
    "serve.choice": (N_("{flag} does not take {value}."), N_("It takes: {choices}.")),
    "serve.positive": (N_("{flag} {value} is not possible."), N_("It must be 1 or more.")),
    "serve.model-missing": (
        N_("There is no model folder {model} on that machine."),
        N_("Check the path; a hub name looks like internlm/internlm2_5-1_8b-chat."),
    ),
    "serve.model-file": (
        N_("{model} is a file, not a model folder."),
        N_("Name the folder that holds config.json."),
    ),
    "serve.no-architecture": (
        N_("The config.json of {model} names no architecture, so lmdeploy cannot choose an engine."),
        N_("Download the model again, or choose another one."),
    ),
}

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
    "launch.no-parser-known": (
        N_("The server was started without --tool-call-parser, and no parser is known for {model}."),
        N_("lmdeck looks for the calls in the text itself; lmdeploy serve api_server --help lists the parsers."),
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

_QUANTISE: dict[str, tuple[str, str]] = {
    "quantise.no-model": (
        N_("No model was named."),
        N_("Write the model's folder first, as in lmdeck quantize MODEL --work-dir FOLDER."),
    ),
    "quantise.dataset": (
        N_("lmdeploy {version} does not know the calibration set {name}."),
        N_("It offers: {offered}."),
    ),
    "quantise.ptb": (
        N_("The calibration set ptb cannot be downloaded any more; lmdeploy dropped it in 0.12."),
        N_("Use --calib-dataset {instead}."),
    ),
    "quantise.bits": (N_("auto_awq makes 4-bit weights; {bits} bits are not possible."), N_("Write --w-bits 4.")),
    "quantise.search-scale": (
        N_("--search-scale False was left out: it means no search, and lmdeploy {version} misreads the word False."),
        "",
    ),
    "quantise.already": (
        N_("{model} is quantised already ({method})."),
        N_("Choose the 16-bit model."),
    ),
    "quantise.same-folder": (
        N_("The work folder {folder} is the model's own."),
        N_("Name another one with --work-dir."),
    ),
    "quantise.work-dir": (
        N_("The work folder {folder} already holds something."),
        N_("Use --work-dir {free}, or --overwrite."),
    ),
    "quantise.not-writable": (
        N_("Nothing can be written in {folder}."),
        N_("Name another folder with --work-dir."),
    ),
    "quantise.disk": (
        N_("The quantised model needs about {needed} GiB in {folder}, but only {free} GiB are free."),
        N_("Free some space, or name a folder on another disk with --work-dir."),
    ),
    "quantise.mirror": (
        N_("The calibration set {dataset} is downloaded from the hub."),
        N_("Where the hub cannot be reached, set HF_ENDPOINT to a mirror, or HF_HUB_OFFLINE=1 with a filled cache."),
    ),
    "quantise.incomplete": (
        N_("The quantisation ended without leaving a model in {folder}."),
        N_("Look at the log: it may have been stopped, or the disk is full."),
    ),
    "quantise.none": (N_("No quantisation called {name} is known there."), N_("Start one with lmdeck quantize MODEL.")),
    "quantise.unanswered": (
        N_("It asked “{question}” and nobody could answer, so it was stopped."),
        N_("Run it in a terminal, or add --answer y."),
    ),
}

_ENVIRONMENT: dict[str, tuple[str, str]] = {
    "env.no-metadata": (
        N_("The lmdeploy in {prefix} has no metadata, so its release and its needs are not known."),
        N_("Install it again with pip."),
    ),
    "env.missing": (N_("{package} is not installed."), N_("lmdeploy {lmdeploy} needs {wanted}.")),
    "env.version": (
        N_("{package} {found} does not fit: lmdeploy {lmdeploy} needs {wanted}."),
        N_("Install a version that fits."),
    ),
    "env.proxies": (
        N_("openai {openai} fails with httpx {httpx}: “unexpected keyword argument 'proxies'”."),
        N_("Install httpx below 0.28, or openai 1.55.3 or newer."),
    ),
    "env.datasets": (
        N_("datasets {datasets} no longer loads the calibration sets of lmdeploy {lmdeploy} without asking."),
        N_("Install datasets below 3 before quantising."),
    ),
    "env.numpy": (
        N_("torch {torch} was built for NumPy 1 and fails with NumPy {numpy}."),
        N_("Install numpy below 2."),
    ),
    "env.cpu-torch": (
        N_("torch {torch} is built without CUDA: it cannot use a GPU."),
        N_("Install torch from the CUDA index of pytorch.org."),
    ),
    "env.no-driver": (
        N_("No NVIDIA driver is loaded on this machine."),
        N_("Run nvidia-smi there; in a container start it with GPU support (docker run --gpus all)."),
    ),
    "env.driver": (
        N_("torch {torch} is built for CUDA {cuda}, which needs driver {needed} or newer; {driver} is loaded."),
        N_("Update the driver, or install a torch built for an older CUDA."),
    ),
}

_NODES: dict[str, tuple[str, str]] = {
    "node.answer": (
        N_("The proxy's list of nodes could not be read."),
        N_("Check that the address is that of lmdeploy serve proxy."),
    ),
    "node.no-model": (
        N_("No node behind the proxy serves this model ({says})."),
        N_("Choose one of the models the proxy lists."),
    ),
    "node.unavailable": (
        N_("The proxy has no node that can answer ({says})."),
        N_("Look at the nodes: start one, or wait until it has registered."),
    ),
    "node.timeout": (
        N_("A node behind the proxy does not answer ({says})."),
        N_("It is most likely dead; the proxy notices within 90 s. Send the message again, or remove the node."),
    ),
}

TABLE: dict[str, tuple[str, str]] = {
    **_COMMAND,
    **_BEFORE,
    **_RUNNING,
    **_SERVERS,
    **_QUANTISE,
    **_ENVIRONMENT,
    **_NODES,
}
