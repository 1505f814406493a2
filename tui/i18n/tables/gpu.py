"""Sentences for problems of the gpu room."""

from __future__ import annotations

from tui.i18n import N_

TABLE: dict[str, tuple[str, str]] = {
    "gpu.none": (
        N_("No GPU can be read on this machine: {reason}."),
        N_("Without an NVIDIA GPU lmdeck can still talk to a server elsewhere; the memory panel stays empty."),
    ),
    "gpu.library": (
        N_("NVIDIA's library libnvidia-ml.so.1 was not found, so no driver seems to be installed."),
        N_("Install the NVIDIA driver, or start the container with GPU support (docker run --gpus all)."),
    ),
    "gpu.driver": (
        N_("The NVIDIA driver is not loaded."),
        N_("Run nvidia-smi to see its own message; a reboot after a driver update usually helps."),
    ),
    "gpu.mismatch": (
        N_("The NVIDIA driver was updated while it was running: kernel module and library differ."),
        N_("Reboot the machine, or reload the nvidia kernel modules."),
    ),
    "gpu.permission": (
        N_("This user may not read the GPU."),
        N_("Ask the machine's owner for access to /dev/nvidia*, or start the container with GPU support."),
    ),
    "gpu.wrong-module": (
        N_("The Python module pynvml on this machine is not NVIDIA's own (it comes from {package})."),
        N_("Run pip uninstall {package}, then pip install --force-reinstall nvidia-ml-py."),
    ),
    "gpu.no-module": (
        N_("The Python package nvidia-ml-py is not installed."),
        N_("Run pip install nvidia-ml-py."),
    ),
    "gpu.failed": (
        N_("The GPU could not be read: {reason}."),
        N_("Run nvidia-smi to see whether the driver itself works."),
    ),
    "gpu.slice": (
        N_("The slice tool {tool} printed nothing lmdeck understands."),
        N_("Set the card's total by hand in the planner or the settings."),
    ),
}
