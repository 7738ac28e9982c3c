"""The one exception that is meant for a person.

Anything a user can cause (a wrong key, a missing file, a full disk) is raised as `UserError` with one
sentence that names the key or file and what would work. The entry prints that sentence and exits with 2;
every other exception is a bug of ours and keeps its traceback.
"""


class UserError(Exception):
    """A mistake or obstacle that the user can mend; its text is the whole answer they get."""
