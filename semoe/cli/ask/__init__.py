"""The verb `ask`: a question answered live, by the store of a run, by one's own experts, or by a text of one's own."""
