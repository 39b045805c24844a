#!/usr/bin/env node
import { main } from '../dist/main.js';

// Whoever reads may stop before the end (`| head`), or close the terminal: that is no failure, and a server goes on.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}

process.exitCode = await main(process.argv.slice(2));
