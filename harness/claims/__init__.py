"""From evidence to claims: the catalogue, the plan, the adjudication, and the folder of a run."""
