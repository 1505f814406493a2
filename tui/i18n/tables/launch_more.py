"""Sentences about quantising, environments and the nodes of a proxy."""

from __future__ import annotations

from tui.i18n import N_

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

TABLE: dict[str, tuple[str, str]] = {**_QUANTISE, **_ENVIRONMENT, **_NODES}
