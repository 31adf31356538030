namespace ProtoServer.LoadTest.Reporting;

/// <summary>One line, or one layer of bars, of a plot.</summary>
/// <param name="Name">As in the legend.</param>
/// <param name="Colour">The style sheet's class that colours it.</param>
/// <param name="Points">In the order of x; a NaN interrupts the line.</param>
/// <param name="Dashed">For what is only for comparison.</param>
internal sealed record PlotSeries(string Name, string Colour, IReadOnlyList<(double X, double Y)> Points, bool Dashed = false);
