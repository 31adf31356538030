using Benchmarks.Running;

namespace Benchmarks.Tests;

public class WindowTests
{
    [Fact]
    public void Window_LinesOfAClient_AreRead()
    {
        var window = Window.Parse("operations 200\nseconds 0.5\np50_us 12.5\np99_us 80\ncpu_us 1000\nuser_share 0.25\nclient_cpu_us 400\n");

        Assert.Equal(new Window(200, 0.5, 1000, 0.25, 12.5, 80, 400), window);
        Assert.Equal(5, window.CpuPerOperation);
        Assert.Equal(400, window.Rate);
    }

    [Fact]
    public void Window_LineOfAProbe_IsReadWithoutWhatItDoesNotTell() =>
        Assert.Equal(new Window(10, 1, 30, 1), Window.Parse("operations 10;seconds 1;cpu_us 30;user_share 1"));

    [Theory]
    [InlineData("")]
    [InlineData("seconds 1\ncpu_us 2")]
    [InlineData("operations\nseconds 1\ncpu_us 2")]
    [InlineData("operations many\nseconds 1\ncpu_us 2")]
    public void Window_TextWithoutAFigureThatIsNeeded_Throws(string text) => Assert.Throws<FormatException>(() => Window.Parse(text));
}
