package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/ebb-ops/ebb/pkg/host"
)

// startMetrics sets this process's metrics up: they are read from page in
// Prometheus' format, with those of the Go runtime, and sent over OTLP where the
// environment names an endpoint. stop sends the last ones.
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
func startMetrics(ctx context.Context, getenv func(string) string) (page http.Handler, stop func(context.Context) error, err error) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reader, err := otelprometheus.New(otelprometheus.WithRegisterer(registry), otelprometheus.WithoutScopeInfo())
	if err != nil {
		return nil, nil, fmt.Errorf("set up metrics: %w", err)
	}
	res, err := resource.Merge(resource.Default(), resource.NewSchemaless(
		attribute.String("service.name", "ebb"),
		attribute.String("service.version", host.Version()),
	))
	if err != nil {
		return nil, nil, fmt.Errorf("set up metrics: %w", err)
	}
	opts := []sdk.Option{sdk.WithResource(res), sdk.WithReader(reader)}
	if getenv("OTEL_EXPORTER_OTLP_ENDPOINT") != "" || getenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT") != "" {
		exporter, err := otlpmetrichttp.New(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("export metrics over OTLP: %w", err)
		}
		opts = append(opts, sdk.WithReader(sdk.NewPeriodicReader(exporter)))
	}
	provider := sdk.NewMeterProvider(opts...)
	otel.SetMeterProvider(provider)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), provider.Shutdown, nil
}
