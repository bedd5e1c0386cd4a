// Package conformance makes a program of the public conformance suite of the Gateway API.
package conformance

import (
	"testing"

	"sigs.k8s.io/gateway-api/conformance"
)

func TestGatewayAPI(t *testing.T) { conformance.RunConformance(t) }
