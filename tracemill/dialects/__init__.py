"""Which attribute of which instrumentation means what? Tables first, code only for what no table can say."""
