"""What has to come out of a log? An independent reader: one thread, span by span, sharing no code with the pipeline."""
