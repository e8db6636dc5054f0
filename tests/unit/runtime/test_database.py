"""What the errors of the driver mean."""

import asyncpg
import pytest

from services.runtime.database import DatabaseRejected, DatabaseUnavailable, translated

LATER = [
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.DiskFullError,
    asyncpg.OutOfMemoryError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidPasswordError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InternalServerError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    ConnectionRefusedError,
    ConnectionResetError,
    TimeoutError,
]
DEAD = [
    asyncpg.DataError,
    asyncpg.NumericValueOutOfRangeError,
    asyncpg.CharacterNotInRepertoireError,
    asyncpg.InvalidTextRepresentationError,
    asyncpg.UntranslatableCharacterError,
    asyncpg.CheckViolationError,
    asyncpg.NotNullViolationError,
    asyncpg.ForeignKeyViolationError,
    asyncpg.UniqueViolationError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.StatementTooComplexError,
]


@pytest.mark.parametrize("error", LATER)
def test_what_the_server_has_to_mend_is_for_later(error: type[Exception]):
    with pytest.raises(DatabaseUnavailable, match="told so"), translated():
        raise error("told so")


@pytest.mark.parametrize("error", DEAD)
def test_what_is_wrong_with_the_values_stays_wrong(error: type[Exception]):
    with pytest.raises(DatabaseRejected, match="told so"), translated():
        raise error("told so")


def test_what_has_nothing_to_do_with_the_database_passes():
    with pytest.raises(KeyError), translated():
        raise KeyError("x")


def test_the_cause_is_kept():
    cause = asyncpg.DeadlockDetectedError("told so")
    with pytest.raises(DatabaseUnavailable) as raised, translated():
        raise cause

    assert cause is raised.value.__cause__
    assert "DeadlockDetectedError (40P01): told so" == str(raised.value)
