export { inboundListenerName } from '../../resources/inbound-name.js';
export { type Bootstrap, type BootstrapAuthority, type BootstrapNode, bootstrapOf } from './bootstrap.js';
export { authorityOf, listenerName } from './listener-names.js';
export { type BootstrapResult, parseBootstrap, parseBootstrapText } from './parse-bootstrap.js';
