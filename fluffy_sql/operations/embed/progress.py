"""Who is notified as photos are embedded."""


class EmbedProgress:
    """Is notified as photos are embedded; does nothing. Override what you want to show."""

    def phase(self, name: str) -> None:
        """Something begins that may take long."""

    def planned(self, photos: int) -> None:
        """This many photos will be embedded."""

    def photos(self, done: int) -> None:
        """This many are done."""
