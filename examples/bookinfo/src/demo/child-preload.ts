// Node imports this first in every child process of the demo.

// Ctrl-C reaches all processes of a terminal. The children go on, until the demo has ended its load and tells them to end.
process.on('SIGINT', () => {});

// A demo that was killed can tell them nothing: then the channel to it closes.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
// Without this the listener above would keep the process alive when its work is done.
process.channel?.unref();
