// Records one export of a Node.js service: a server span, OpenInference's OpenAI instrumentation, a failing tool.
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import { OpenAIInstrumentation } from "@arizeai/openinference-instrumentation-openai";
import OpenAI from "openai";

const [endpoint, provider] = process.argv.slice(2);
const tracing = new NodeTracerProvider({
  resource: resourceFromAttributes({ "service.name": "node-agent", "deployment.environment.name": "golden" }),
  spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: `${endpoint}/v1/traces` }))],
});
tracing.register();
const instrumentation = new OpenAIInstrumentation();
instrumentation.setTracerProvider(tracing);
instrumentation.manuallyInstrument(OpenAI);

const client = new OpenAI({ baseURL: `${provider}/v1`, apiKey: "stand-in", maxRetries: 0 });
const tracer = tracing.getTracer("golden", "1.0.0");
const tools = [{ type: "function", function: { name: "sql", parameters: { type: "object", properties: {} } } }];

await tracer.startActiveSpan("POST /ask", { kind: SpanKind.SERVER }, async (root) => {
  root.setAttributes({ "http.route": "/ask", "session.id": "session-node", "user.id": "ada", big: 2 ** 53 - 1, ratio: 0.5, ok: true, tags: ["a", "b"] });
  const messages = [{ role: "user", content: "Where is my order TM-1007? „Danke“ 🔋" }];
  const first = await client.chat.completions.create({ model: "gpt-4.1-mini", messages, tools });
  const call = first.choices[0].message.tool_calls[0];
  tracer.startActiveSpan("execute_tool sql", (span) => {
    span.setAttributes({ "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "sql", "gen_ai.tool.call.id": call.id });
    span.recordException(new Error("no such table: orders"));
    span.setStatus({ code: SpanStatusCode.ERROR, message: "no such table: orders" });
    span.addLink({ context: root.spanContext() });
    span.end();
  });
  messages.push(first.choices[0].message, { role: "tool", tool_call_id: call.id, content: "error: no such table" });
  const stream = await client.chat.completions.create({ model: "gpt-4.1-mini", messages, stream: true, stream_options: { include_usage: true } });
  for await (const chunk of stream) void chunk;
  await client.embeddings.create({ model: "text-embedding-3-small", input: "two words" });
  root.end();
});
await tracing.forceFlush();
await tracing.shutdown();
