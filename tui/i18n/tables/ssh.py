"""Sentences for problems of the ssh room."""

from __future__ import annotations

from tui.i18n import N_

TABLE: dict[str, tuple[str, str]] = {
    # States of the way, before a server is spoken to
    "link.resolving": (N_("Finding out what ssh makes of {url}."), ""),
    "link.host-key": (N_("ssh asks whether {url} is the right machine."), N_("Compare the fingerprint, then answer.")),
    "link.auth": (N_("{url} asks for a password or a code."), N_("Answer the question.")),
    "link.forwarding": (N_("Logged in to {url}; opening the tunnel."), ""),
    "link.needs-you": (N_("The connection to {url} needs you."), N_("Connect again when it is mended.")),
    # What was typed or pasted
    "ssh.empty_target": (
        N_("There is no machine in this address."),
        N_("Write ssh://user@host:port, a name from ~/.ssh/config, or paste a whole ssh line."),
    ),
    "ssh.bad_host": (
        N_("“{host}” is no name of a machine."),
        N_("Write ssh://user@host:port, a name from ~/.ssh/config, or paste a whole ssh line."),
    ),
    "ssh.bad_user": (N_("“{user}” is no user name."), N_("Check what stands before the @.")),
    "ssh.bad_port": (N_("“{port}” is no port."), N_("A port is a number from 1 to 65535.")),
    "ssh.password_in_url": (
        N_("A password does not belong into an address: others can see it there."),
        N_("Leave it out; lmdeck asks for it."),
    ),
    "ssh.scheme": (
        N_("An address that begins with {scheme}:// does not go through ssh."),
        N_("Write ssh://user@host:port."),
    ),
    "ssh.bad_command_line": (
        N_("This ssh line cannot be read ({text})."),
        N_("Check its quotes, and that no option lacks its value."),
    ),
    "ssh.unknown_option": (N_("ssh has no option “{option}”."), N_("Remove it from the line or from the profile.")),
    "ssh.dangerous_refused": (
        N_("Not connected: an option of this line can run a program on your machine ({options})."),
        N_("Remove it, or say yes when lmdeck asks about it."),
    ),
    # This machine's ssh
    "ssh.no_client": (
        N_("There is no ssh program on this machine."),
        N_("Install the OpenSSH client (Debian, Ubuntu: apt install openssh-client; Windows: Optional features)."),
    ),
    "ssh.not_openssh": (
        N_("{program} is not OpenSSH (it says: {says})."),
        N_("Install the OpenSSH client and put it first in PATH."),
    ),
    "ssh.old_client": (
        N_("OpenSSH {version} on this machine is too old to ask questions inside lmdeck."),
        N_("Install OpenSSH 8.4 or newer (winget install Microsoft.OpenSSH.Preview), or log in with a key."),
    ),
    "ssh.not_started": (N_("ssh could not be started: {reason}."), N_("Check that ssh works in a terminal.")),
    "ssh.no_private_folder": (
        N_("There is no private place for the tunnel's socket: {reason}."),
        N_("Set TMPDIR to a short path of a folder that belongs to you."),
    ),
    "ssh.bad_config": (N_("ssh does not accept its configuration ({says})."), N_("Mend ~/.ssh/config or the option.")),
    "ssh.config_permissions": (
        N_("ssh refuses {file}: others may write to it."),
        N_("Run chmod 600 {file}, then connect again."),
    ),
    "ssh.key_file_open": (
        N_("ssh refuses the key {file}: others may read it."),
        N_("Run chmod 600 {file}, then connect again."),
    ),
    "ssh.port_taken": (
        N_("Port {port} of this machine is in use already."),
        N_("Choose another port, or end the program that has it (often an older ssh -L)."),
    ),
    "ssh.forward_failed": (N_("ssh could not open the tunnel to {server}."), N_("Connect again.")),
    "ssh.killed": (N_("The ssh process was ended by signal {signal}."), N_("lmdeck connects again.")),
    # The way there
    "ssh.name_not_found": (
        N_("The name {host} is unknown."),
        N_("Check the spelling, ~/.ssh/config and this machine's network."),
    ),
    "ssh.refused": (
        N_("{host} refuses connections to port {port}: no ssh server listens there."),
        N_("Check the port; on rented machines it changes with each start."),
    ),
    "ssh.timed_out": (
        N_("{host} does not answer on port {port}."),
        N_("Check that the machine runs, the port, and whether a VPN is needed."),
    ),
    "ssh.stuck": (
        N_("{host} took the connection but does not go on."),
        N_("lmdeck tries again; the machine may be overloaded."),
    ),
    "ssh.no_route": (N_("There is no way to {host}."), N_("Check this machine's network and VPN.")),
    "ssh.not_ssh": (
        N_("What answers at {host} is no ssh server."),
        N_("Check the port: it may be a web server's."),
    ),
    "ssh.closed_early": (
        N_("{host} closed the connection before it began ({says})."),
        N_("The machine may be starting, or refuse this address; try again in a minute."),
    ),
    "ssh.behind_jump": (
        N_("The jump host cannot reach {host} ({says})."),
        N_("Check the name and port as seen from the jump host."),
    ),
    "ssh.proxy_failed": (
        N_("The way to {host} through the jump host or ProxyCommand failed ({says})."),
        N_("Try that step alone in a terminal."),
    ),
    "ssh.no_common_algorithm": (
        N_("{host} and this machine's ssh share no {what}."),
        N_("Update ssh on the older side."),
    ),
    # Who is there, who are you
    "ssh.host_key_changed": (
        N_("{host} shows another host key than before: a new machine, or somebody in between."),
        N_("Compare the fingerprints with the owner's; then replace the old key, or leave it."),
    ),
    "ssh.host_key_unknown": (
        N_("The host key of {host} is unknown and your configuration forbids asking."),
        N_("Add the key to known_hosts, or set StrictHostKeyChecking ask for this host."),
    ),
    "ssh.host_key_revoked": (N_("The host key of {host} is marked as revoked."), N_("Do not connect; ask its owner.")),
    "ssh.host_key_declined": (
        N_("Not connected: the host key of {host} was not accepted."),
        N_("Connect again to see the fingerprint once more."),
    ),
    "ssh.key_not_removed": (
        N_("The old key of {name} could not be removed from {file} ({says})."),
        N_("Run ssh-keygen -R {name} to remove it by hand."),
    ),
    "ssh.permission_denied": (
        N_("{host} did not accept the login (it takes: {methods})."),
        N_("Connect again and check user name, password or key."),
    ),
    "ssh.too_many_keys": (
        N_("{host} refused after too many keys were offered."),
        N_("Name the right one with -i and IdentitiesOnly=yes."),
    ),
    "ssh.no_methods": (
        N_("{host} offers no way to log in that this machine's ssh can use."),
        N_("Ask its owner which keys or passwords are accepted."),
    ),
    "ssh.password_expired": (
        N_("The password for {host} has expired."),
        N_("Log in once in a terminal with ssh and choose a new one."),
    ),
    "ssh.account_closed": (N_("{host} does not let this account log in."), N_("Ask the machine's owner.")),
    "ssh.unanswered": (
        N_("{host} asks again (“{prompt}”)."),
        N_("Connect again to answer; lmdeck does not ask by itself."),
    ),
    "ssh.declined": (N_("Not connected: the question “{prompt}” was not answered."), N_("Connect again to answer.")),
    # The far side
    "ssh.no_shell": (
        N_("{host} let us in but runs no commands ({says})."),
        N_("The account needs a shell; look at its login scripts."),
    ),
    "ssh.no_agent": (
        N_("{host} let us in, but lmdeck's helper there did not report ({says})."),
        N_("A login script may wait for input; try ssh HOST echo hello in a terminal."),
    ),
    "ssh.other_protocol": (
        N_("The helper on the machine speaks another protocol ({version})."),
        N_("Update lmdeck."),
    ),
    "ssh.agent_ended": (
        N_("lmdeck's helper on {host} ended (exit code {code})."),
        N_("lmdeck connects again; the machine may be out of memory or restarting."),
    ),
    "ssh.agent_late": (N_("{host} answers late."), N_("Wait, or connect again.")),
    "ssh.agent_silent": (
        N_("The machine did not answer the order “{order}” within {seconds} s."),
        N_("It may be busy; try again."),
    ),
    "ssh.agent_refused": (N_("The machine cannot do “{order}” ({says})."), N_("Check the path or the program.")),
    "ssh.no_python": (
        N_("There is no Python on the machine, so lmdeck cannot look into it."),
        N_("Chat and the GPU's figures work; for the rest install python3 there."),
    ),
    "ssh.forwarding_prohibited": (
        N_("The ssh server of {host} forbids tunnels."),
        N_("Ask its owner to set AllowTcpForwarding yes, or run lmdeck on the machine itself."),
    ),
    "ssh.not_listening": (
        N_("The tunnel to {host} works, but no server listens at {server} there."),
        N_("Start the server, or check its port; lmdeck keeps looking."),
    ),
    "ssh.server_moved": (
        N_("The server on {host} listens at port {new} now, no longer at {port}."),
        N_("lmdeck goes on there."),
    ),
    "ssh.several_servers": (
        N_("Several lmdeploy servers listen on {host}, at the ports {ports}."),
        N_("Say which one you mean: ssh://HOST/127.0.0.1:PORT."),
    ),
    "ssh.listens_elsewhere": (
        N_("Nothing listens at port {port} of {host}; lmdeploy's servers there have the ports {ports}."),
        N_("Name one of them: ssh://HOST/127.0.0.1:PORT."),
    ),
    "ssh.open_failed": (
        N_("The ssh server of {host} cannot reach {server} ({says})."),
        N_("Check the server's address as seen from the machine."),
    ),
    # The end of a connection
    "ssh.peer_silent": (N_("{host} has gone silent."), N_("lmdeck connects again as soon as it answers.")),
    "ssh.closed_by_host": (N_("{host} closed the connection."), N_("lmdeck connects again.")),
    "ssh.connection_broken": (N_("The connection to {host} broke."), N_("lmdeck connects again.")),
    "ssh.woke_up": (N_("This machine slept and the connection to {host} did not."), N_("lmdeck connects again.")),
    "ssh.ended": (N_("ssh to {host} ended without a reason (exit code {code})."), N_("Try it once in a terminal.")),
    "ssh.failed": (N_("ssh to {host} failed ({says})."), N_("Try it once in a terminal.")),
    "ssh.disconnected": (N_("Not connected to {host}."), N_("Connect.")),
    # Requests through the tunnel
    "ssh.reply_cut": (
        N_("The connection to {host} was lost in the middle of the answer."),
        N_("What had arrived is kept. Let it continue when the connection is back."),
    ),
    "ssh.request_lost": (
        N_("The connection to {host} was lost before the answer began."),
        N_("Send again when the connection is back."),
    ),
}
