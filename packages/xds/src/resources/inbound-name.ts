/** What istiod calls the listener for all ports of a workload. */
export const inboundListenerName = 'virtualInbound';

/** Whether a listener that could not be read was one for what comes in. Only its name is known then. */
export function isInboundName(name: string): boolean {
  return name === inboundListenerName || name.includes('/inbound/');
}
