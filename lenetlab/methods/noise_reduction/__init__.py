"""Methods that reduce the noise of stochastic gradients."""
