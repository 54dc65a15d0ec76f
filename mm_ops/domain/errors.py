"""What can go wrong, sorted by who must act. Messages are one line, lower case, numbers with their unit."""


class MmOpsError(Exception):
    """Any refusal of mm_ops; its text is meant for the operator."""


class PolicyError(MmOpsError):
    """A policy file is impossible: says file, line, field and why. Retrying does not help."""


class SchemaError(MmOpsError):
    """Data breaks its schema: says file, column or field, expected and found. Retrying does not help."""


class IntegrityError(MmOpsError):
    """Bytes do not match the digest that was recorded for them. Retrying does not help; page."""


class MissingEvidenceError(MmOpsError):
    """Evidence that should have been stored is not there: says which, and what makes it."""


class SourceUnavailableError(MmOpsError):
    """A source did not answer, or not in full. Retrying may help."""


class EffectNotConfirmedError(MmOpsError):
    """An action was asked for and answered, but the state that was read back is another: page, never report success."""
