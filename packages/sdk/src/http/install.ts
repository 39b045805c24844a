import { type Dispatcher, getGlobalDispatcher, setGlobalDispatcher } from 'undici';

interface Installation {
  readonly dispatcher: Dispatcher;
  previous: Dispatcher;
}

const installed = new Set<Installation>();

/** Makes a dispatcher the one of the process. Returns what undoes it, once, in whatever order several are undone. */
export function installDispatcher(dispatcher: Dispatcher): () => void {
  const own: Installation = { dispatcher, previous: getGlobalDispatcher() };
  installed.add(own);
  setGlobalDispatcher(dispatcher);
  return () => {
    if (!installed.delete(own)) return;
    // One that was installed on top of this one must not bring it back, as its mesh is closed by then.
    for (const later of installed) if (later.previous === dispatcher) later.previous = own.previous;
    if (getGlobalDispatcher() === dispatcher) setGlobalDispatcher(own.previous);
  };
}
