"""The Playground's engine. Read config, seedrandom, data, compiled, training, keras_export, selftest."""
