"""The native engine's C++ (begin with layout.h), and how it is compiled at first use."""
