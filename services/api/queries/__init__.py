"""
One function per question, each one statement where one is enough.

The text of a statement is made of constants; what a user sends is always a parameter. Limits that
decide a plan are constants too, since PostgreSQL plans a statement once for all its parameters.
"""
