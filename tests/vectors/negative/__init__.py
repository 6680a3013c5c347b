# SPDX-License-Identifier: BSL-1.0
# Negative vectors: inputs that a careful implementation must not take, each beside a twin that it must. Made from the protocol's rules
# alone; nothing here asks the library.
