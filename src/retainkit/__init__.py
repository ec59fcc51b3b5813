"""retainkit: activation, dunning, cancellation and retention, embedded in your own product."""
