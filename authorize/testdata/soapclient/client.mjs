// Calls services of the gateway with a generic SOAP client that knows nothing but their descriptions.
// Standard input: [{"wsdl": address, "operation": name, "args": {...}}, ...]. Standard output: for each, in order,
// {"answer": ...} or {"fault": {...}}.
import { readFileSync } from 'node:fs';
import soap from 'soap';

const told = [];
for (const { wsdl, operation, args } of JSON.parse(readFileSync(0, 'utf8'))) {
  const client = await soap.createClientAsync(wsdl);
  try {
    const [answer] = await client[operation + 'Async'](args);
    told.push({ answer });
  } catch (e) {
    if (!e.root) throw e; // not a fault of the service
    told.push({ fault: e.root.Envelope.Body.Fault });
  }
}
console.log(JSON.stringify(told));
