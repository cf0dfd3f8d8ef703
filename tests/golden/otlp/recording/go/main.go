// Records one export of a Go service over gRPC: go run . ENDPOINT
package main

import (
	"context"
	"errors"
	"os"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func main() {
	ctx := context.Background()
	exporter, err := otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(os.Args[1]), otlptracegrpc.WithInsecure())
	if err != nil {
		panic(err)
	}
	provider := sdk.NewTracerProvider(
		sdk.WithBatcher(exporter),
		sdk.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "golden-go"),
			attribute.String("deployment.environment.name", "golden"))),
	)
	tracer := provider.Tracer("golden", trace.WithInstrumentationVersion("1.0.0"))

	state, _ := trace.ParseTraceState("vendor=value,ot=rv:0123456789abcd")
	remote := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, SpanID: trace.SpanID{7},
		TraceFlags: trace.FlagsSampled, TraceState: state, Remote: true})
	ctx, turn := tracer.Start(trace.ContextWithRemoteSpanContext(ctx, remote), "invoke_agent clerk",
		trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
			attribute.String("gen_ai.operation.name", "invoke_agent"),
			attribute.String("gen_ai.agent.name", "clerk"),
			attribute.String("gen_ai.conversation.id", "session-go"),
			attribute.String("user.id", "Ada „Countess“ 🔋"),
			attribute.Int64Slice("shards", []int64{1, -2, 1 << 60}),
			attribute.Float64("ratio", 0.25), attribute.Bool("ok", true)))
	_, chat := tracer.Start(ctx, "chat gpt-4.1", trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("gen_ai.operation.name", "chat"),
		attribute.String("gen_ai.provider.name", "openai"),
		attribute.String("gen_ai.request.model", "gpt-4.1"),
		attribute.String("gen_ai.response.model", "gpt-4.1-2026-05-01"),
		attribute.StringSlice("gen_ai.response.finish_reasons", []string{"stop"}),
		attribute.Int("gen_ai.usage.input_tokens", 1200), attribute.Int("gen_ai.usage.output_tokens", 34),
		attribute.Int("gen_ai.usage.cache_read.input_tokens", 1024),
		attribute.Float64("gen_ai.response.time_to_first_chunk", 0.125),
		attribute.String("gen_ai.input.messages", `[{"role":"user","parts":[{"type":"text","content":"hello"}]}]`),
		attribute.String("gen_ai.output.messages", `[{"role":"assistant","parts":[{"type":"text","content":"hi"}]}]`)))
	chat.AddEvent("first chunk", trace.WithAttributes(attribute.Int("size", 3)))
	chat.End()
	_, tool := tracer.Start(ctx, "execute_tool sql", trace.WithLinks(trace.LinkFromContext(ctx)), trace.WithAttributes(
		attribute.String("gen_ai.operation.name", "execute_tool"),
		attribute.String("gen_ai.tool.name", "sql"),
		attribute.String("gen_ai.tool.call.arguments", `{"query":"SELECT 1"}`),
		attribute.String("error.type", "timeout")))
	tool.RecordError(errors.New("deadline exceeded"))
	tool.SetStatus(codes.Error, "deadline exceeded")
	tool.End()
	turn.End()
	if err := provider.Shutdown(ctx); err != nil {
		panic(err)
	}
}
